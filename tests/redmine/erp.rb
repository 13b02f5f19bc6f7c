# SPDX-License-Identifier: Apache-2.0
# Copyright the Tailwater authors.
#
# A firm's work in Redmine, by its own models: `begin` before anybody reads its database, `work` meanwhile, and `tell`, which prints
# what Redmine itself says of it in the end. Run by Redmine's `rails runner`.

require 'json'

# What happened to projects, in its order, as events would tell it
$events = File.expand_path('events', ENV.fetch('ERP_FOLDER'))

def happened(what, project)
  File.open($events, 'a') { |file| file.puts "#{what} #{project.id}" }
end

def custom_field(type, name, format = 'string', **more)
  type.create!(name: name, field_format: format, editable: true, **more)
end

def person(login, first, last)
  user = User.new(firstname: first, lastname: last, mail: "#{login}@example.net", language: 'en')
  user.login = login
  user.password = user.password_confirmation = 'not a password'
  user.save!
  user
end

def project(name, identifier, parent = nil)
  made = Project.new(name: name, identifier: identifier, enabled_module_names: %w[issue_tracking time_tracking])
  made.trackers = Tracker.all
  made.save!
  made.set_parent!(parent) if parent
  User.active.where(type: 'User').each { |user| Member.create!(project: made, principal: user, roles: [Role.givable.first]) }
  made
end

def issue(project, subject, hours, parent = nil)
  Issue.create!(project: project, tracker: project.trackers.first, subject: subject, author: User.current, estimated_hours: hours,
                priority: IssuePriority.first, status: IssueStatus.first, parent_issue_id: parent && parent.id)
end

def spend(user, project, issue, hours, reference = nil)
  entry = TimeEntry.new(project: project, issue: issue, hours: hours, spent_on: Date.new(2025, 1, 6), comments: "for '#{hours}' hours",
                        activity: TimeEntryActivity.find_by_name(hours > 1 ? 'Development' : 'Design'))
  entry.user = entry.author = user
  entry.custom_field_values = { TimeEntryCustomField.first.id => reference } if reference
  entry.save!
  entry
end

def begin_work
  custom_field(TimeEntryCustomField, 'Client ref')
  custom_field(ProjectCustomField, 'Cost centre')
  custom_field(UserCustomField, 'Staff no', 'int')
  soren = person('soren', 'Søren', "O'Dea")
  soren.custom_field_values = { UserCustomField.first.id => '1042' }
  soren.save!
  person('mei', '美', '李')
  client = project('Client project', 'client')
  client.custom_field_values = { ProjectCustomField.first.id => 'CC 7' }
  client.save!
  project('Old project', 'old').close
  first = issue(client, 'Implementation', 16.1)
  [7.75, 0.1, 3.33, 1.05].each { |hours| spend(soren, client, first, hours, 'A-17') }
end

def work
  soren, mei = User.find_by_login('soren'), User.find_by_login('mei')
  client, old = Project.find('client'), Project.find('old')
  first = client.issues.first
  below = project('Phase two', 'client-2', client)
  happened('ProjectActivated', below)
  40.times { |n| spend(n.odd? ? soren : mei, n % 3 == 0 ? below : client, n % 3 == 0 ? nil : first, ((n * 37) % 100 + 1) / 10.0, n.even? ? "B-#{n}" : nil) }
  part = issue(client, 'Tests — and a manual', 3.3, first)
  issue(client, 'Training', 0.2)
  first.reload.update!(subject: 'Implementation, part 1', estimated_hours: 20)
  TimeEntry.where(user: mei).first.update!(hours: 2.55, issue: part, project: client)
  TimeEntry.where(user: soren).last.destroy
  TimeEntry.transaction do
    TimeEntry.first.destroy
    raise ActiveRecord::Rollback
  end
  TimeEntryActivity.find_by_name('Design').update!(name: 'Drafting')
  client.reload.close
  [client, below].each { |each| happened('ProjectClosed', each) }
  client.reload.reopen
  [client, below].each { |each| happened('ProjectReopened', each) }
  old.reload.archive
  soren.reload.update!(admin: true)
  soren.lock!
  mei.reload.mail = 'li.mei@example.net'
  mei.save!
end

def custom(record)
  record.custom_field_values.select { |value| value.value.present? }.map { |value| "#{value.custom_field.name}: #{value.value}" }.join('; ').presence
end

def time(at)
  "#{at.utc.strftime('%Y-%m-%dT%H:%M:%S.%6N').sub(/\.?0+$/, '')}Z"
end

def tell
  TimeEntry.order(:id).each do |entry|
    puts({ entity: 'TimeEntry', id: entry.id, hours: entry.hours.round(2).to_s, activity: entry.activity.name, issue: entry.issue&.subject,
           project: entry.project_id, resource: entry.user_id, day: entry.spent_on.to_s, text: entry.comments, custom: custom(entry) }.to_json)
  end
  Project.order(:id).each do |each|
    hours = each.issues.sum(:estimated_hours).round(2)
    puts({ entity: 'Project', id: each.id, name: each.name, code: each.identifier, hours: each.issues.any? ? hours.to_s : nil,
           status: { 1 => 'active', 5 => 'closed', 9 => 'archived' }[each.status], parent: each.parent_id, custom: custom(each) }.to_json)
  end
  User.where(type: 'User').order(:id).each do |user|
    puts({ entity: 'Resource', id: user.id, name: "#{user.firstname} #{user.lastname}", mail: user.mail, admin: user.admin?.to_s,
           status: { 1 => 'active', 2 => 'registered', 3 => 'locked' }[user.status], custom: custom(user), created: time(user.created_on) }.to_json)
  end
  File.readlines($events, chomp: true).each { |line| puts({ event: line }.to_json) } if File.exist?($events)
end

User.current = User.find_by_login('admin')
ActionMailer::Base.perform_deliveries = false
case ENV.fetch('ERP_STEP')
when 'begin' then begin_work
when 'work' then work
when 'tell' then tell
end
