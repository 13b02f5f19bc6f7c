-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- The tables of Redmine 5.0 that the pack reads, as its migrations make them on MariaDB; PostgreSQL gets timestamp for datetime. A
-- float has four bytes here and eight there, a boolean is a tinyint(1) here, and a time has no fractions.

CREATE TABLE users (
	id int PRIMARY KEY, login varchar(255) NOT NULL DEFAULT '', hashed_password varchar(40) NOT NULL DEFAULT '',
	firstname varchar(30) NOT NULL DEFAULT '', lastname varchar(255) NOT NULL DEFAULT '', admin boolean NOT NULL DEFAULT false,
	status int NOT NULL DEFAULT 1, last_login_on datetime, language varchar(5) DEFAULT '', auth_source_id int,
	created_on timestamp NULL, updated_on timestamp NULL, type varchar(255), mail_notification varchar(255) NOT NULL DEFAULT '',
	salt varchar(64), must_change_passwd boolean NOT NULL DEFAULT false, passwd_changed_on datetime);
CREATE TABLE email_addresses (
	id int PRIMARY KEY, user_id int NOT NULL, address varchar(255) NOT NULL, is_default boolean NOT NULL DEFAULT false,
	notify boolean NOT NULL DEFAULT true, created_on datetime NOT NULL, updated_on datetime NOT NULL);
CREATE TABLE projects (
	id int PRIMARY KEY, name varchar(255) NOT NULL DEFAULT '', description text, homepage varchar(255) DEFAULT '',
	is_public boolean NOT NULL DEFAULT true, parent_id int, created_on timestamp NULL, updated_on timestamp NULL,
	identifier varchar(255), status int NOT NULL DEFAULT 1, lft int, rgt int, inherit_members boolean NOT NULL DEFAULT false,
	default_version_id int, default_assigned_to_id int);
CREATE TABLE issues (
	id int PRIMARY KEY, tracker_id int NOT NULL, project_id int NOT NULL, subject varchar(255) NOT NULL DEFAULT '', description text,
	due_date date, category_id int, status_id int NOT NULL, assigned_to_id int, priority_id int NOT NULL, fixed_version_id int,
	author_id int NOT NULL, lock_version int NOT NULL DEFAULT 0, created_on timestamp NULL, updated_on timestamp NULL, start_date date,
	done_ratio int NOT NULL DEFAULT 0, estimated_hours float, parent_id int, root_id int, lft int, rgt int,
	is_private boolean NOT NULL DEFAULT false, closed_on datetime);
CREATE TABLE enumerations (
	id int PRIMARY KEY, name varchar(30) NOT NULL DEFAULT '', position int, is_default boolean NOT NULL DEFAULT false, type varchar(255),
	active boolean NOT NULL DEFAULT true, project_id int, parent_id int, position_name varchar(30));
CREATE TABLE time_entries (
	id int PRIMARY KEY, project_id int NOT NULL, author_id int, user_id int NOT NULL, issue_id int, hours float NOT NULL,
	comments varchar(1024), activity_id int NOT NULL, spent_on date NOT NULL, tyear int NOT NULL, tmonth int NOT NULL, tweek int NOT NULL,
	created_on datetime NOT NULL, updated_on datetime NOT NULL);
CREATE TABLE custom_fields (
	id int PRIMARY KEY, type varchar(30) NOT NULL DEFAULT '', name varchar(30) NOT NULL DEFAULT '', field_format varchar(30) NOT NULL DEFAULT '',
	multiple boolean DEFAULT false);
CREATE TABLE custom_values (
	id int PRIMARY KEY, customized_type varchar(30) NOT NULL DEFAULT '', customized_id int NOT NULL DEFAULT 0,
	custom_field_id int NOT NULL DEFAULT 0, value text);

INSERT INTO users (id, login, firstname, lastname, admin, language, created_on, updated_on, type) VALUES
	(1, 'admin', 'Redmine', 'Admin', true, 'en', '2025-01-02 08:00:00', '2025-01-02 08:00:00', 'User'),
	(2, '', '', 'Anonymous', false, '', '2025-01-02 08:00:00', '2025-01-02 08:00:00', 'AnonymousUser'),
	(3, '', '', 'Consultants', false, '', '2025-01-02 08:00:00', '2025-01-02 08:00:00', 'Group'),
	(4, 'søren', 'Søren', 'O''Dea', false, 'da', '2025-01-02 08:00:01', '2025-03-30 01:30:00', 'User');
INSERT INTO email_addresses VALUES (1, 1, 'admin@example.net', true, true, '2025-01-02 08:00:00', '2025-01-02 08:00:00'),
	(2, 4, 'soren.odea@example.net', true, true, '2025-01-02 08:00:01', '2025-01-02 08:00:01'),
	(3, 4, 'second@example.net', false, true, '2025-01-02 08:00:01', '2025-01-02 08:00:01');
INSERT INTO enumerations (id, name, position, type) VALUES (8, 'Design', 1, 'TimeEntryActivity'), (9, 'Development', 2, 'TimeEntryActivity'),
	(1, 'Low', 1, 'IssuePriority');
INSERT INTO custom_fields VALUES (1, 'TimeEntryCustomField', 'Client ref', 'string', false), (2, 'ProjectCustomField', 'Cost centre', 'string', false),
	(3, 'UserCustomField', 'Staff no', 'int', false);
INSERT INTO custom_values VALUES (1, 'Principal', 4, 3, '1042'), (2, 'Project', 1, 2, 'CC 7');
INSERT INTO projects (id, name, created_on, updated_on, identifier, status, lft, rgt) VALUES
	(1, 'Client project', '2025-01-03 09:00:00', '2025-01-03 09:00:00', 'client', 1, 1, 2),
	(2, 'Old project', '2024-01-03 09:00:00', '2024-06-03 09:00:00', 'old', 5, 3, 4);
INSERT INTO issues (id, tracker_id, project_id, subject, status_id, priority_id, author_id, created_on, updated_on, estimated_hours) VALUES
	(1, 2, 1, 'Implementation', 1, 1, 1, '2025-01-03 09:01:00', '2025-01-03 09:01:00', 16.1);
INSERT INTO time_entries VALUES (1, 1, 4, 4, 1, 7.75, 'first day', 9, '2025-01-03', 2025, 1, 1, '2025-01-03 17:00:00', '2025-01-03 17:00:00'),
	(2, 1, 4, 4, NULL, 0.1, '', 8, '2025-01-03', 2025, 1, 1, '2025-01-03 17:00:01', '2025-01-03 17:00:01');
